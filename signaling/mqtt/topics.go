package mqtt

import "strings"

// topics are those of one device.
type topics struct{ prefix, me string }

// to is where messages for an address go.
func (t topics) to(address string) string { return t.prefix + "/" + address + "/rx/" + t.me }

// inbox is what the device subscribes to.
func (t topics) inbox() string { return t.prefix + "/" + t.me + "/rx/+" }

// status is where the device's presence is.
func (t topics) status() string { return t.prefix + "/" + t.me + "/status" }

// sender is the address that a topic of the inbox names.
func (t topics) sender(topic string) (address string, ok bool) {
	address, ok = strings.CutPrefix(topic, t.prefix+"/"+t.me+"/rx/")
	return address, ok && address != "" && !strings.Contains(address, "/")
}
