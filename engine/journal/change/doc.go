// Package change compares what is known of a record at a vendor with what an
// event or a list reports: whether an event is an echo of one of our own calls,
// and which states of a record were reported already. It reads and writes
// nothing.
package change
