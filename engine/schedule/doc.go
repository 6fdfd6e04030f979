// Package schedule makes the events of every(): it waits for the next tick of
// all schedules of the present generation and passes each tick to Accept.
//
// The id of a tick's event has the script, the hook and the time, so that a
// tick is one event, however many engines fire it and however often. The hook's
// option missed decides which ticks run that came due while no engine ran:
// none, the latest one, or the newest hundred. Of ticks that come due together
// while this engine runs, because the machine slept or the clock was set, only
// the latest runs.
//
// A script.Timetable has the times at which a schedule ticks. The package executes
// nothing: a tick is an event like any other.
package schedule
