// Package run turns stored events into finished runs. It executes each
// activation that the journal returns with the vm, and is the host of the vm:
// it numbers the steps, sends the calls, records and logs every result.
//
// It has no HTTP route, does not read the scripts folder and has no code for
// single vendors. It accepts events from the packages that receive or make them.
package run
