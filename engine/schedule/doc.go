// Package schedule makes the events of every(): it waits for the next tick of
// all schedules of the present generation and hands each to Accept.
//
// A tick's event id names script, hook and time, so that however many engines
// fire it, and however often, it is one event. What was missed while no engine
// ran, or while the clock stood still, is logged and not made up for, except
// for the latest tick that came due while this one slept.
//
// When a schedule ticks is said by script.Timetable.
package schedule
