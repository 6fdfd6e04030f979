// Package change compares the stored state of a record at a vendor with the
// state that an event or a list reports. It decides whether an event is an echo
// of one of our own calls, and which states of a record were reported already.
// It does no input or output.
package change
