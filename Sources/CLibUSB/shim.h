#include <libusb-1.0/libusb.h>

// Swift cannot call C functions with a variable argument list. Devices are opened by their node,
// so libusb need not look for any.
static inline int smith_usb_no_discovery(void) {
  return libusb_set_option(NULL, LIBUSB_OPTION_NO_DEVICE_DISCOVERY);
}
