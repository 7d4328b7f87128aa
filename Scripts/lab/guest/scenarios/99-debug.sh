# what: debug
# limit: 100
[ -n "$(grep -o lab.only=debug /proc/cmdline)" ] || skip "only when asked for"
switching on
echo EnableLogging=1 >> /etc/usb_modeswitch.conf
udevadm control --log-priority=debug
sim huawei-e3131
until_ok 15 has_id 12d1 15ca
sleep 6
ls -la /var/log /lib/udev/usb_modeswitch /usr/sbin/usb_modeswitch*; head -3 /usr/sbin/usb_modeswitch_dispatcher; which jimsh tclsh tar expr
cat /var/log/usb_mode*
udevadm info -a -p /sys/bus/usb/devices/1-1/1-1:1.0 | head -30
udevadm test /sys/bus/usb/devices/1-1/1-1:1.0 2>&1 | tail -40
usb_modeswitch_dispatcher --switch-mode 1-1:1.0
sleep 3; cat /var/log/usb_mode*
fail debug
