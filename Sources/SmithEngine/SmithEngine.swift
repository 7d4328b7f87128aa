// placeholder removed by the first commit of this room
