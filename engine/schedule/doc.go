// Package schedule makes the events of every(): it waits for the next tick of
// all schedules of the present generation and hands each to Accept.
//
// A tick's event id names script, hook and time, so that however many engines
// fire it, and however often, it is one event. What was missed while no engine
// ran is made up for as the hook's missed says: not at all, the latest tick,
// or each of the newest hundred. Of the ticks that came due together while
// this one slept, or because the clock was set, the latest runs.
//
// When a schedule ticks is said by script.Timetable.
package schedule
