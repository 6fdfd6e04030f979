// Package bench measures a whole engine on this machine; `tidewire bench` prints
// the results. It starts an app of its own (a small HTTP server that answers at
// once), a real engine on a temporary folder, and senders that post signed
// webhooks of 1 KB over connections that stay open. All of them share the
// machine's cores, and no request leaves the machine.
//
// What is measured (for the command, the engine logs as for tidewire run, to a
// file):
//
//   - accepts_per_s: events acknowledged per second, each durable with the run
//     that it causes. The runs stay queued in a lane whose first run waits, so
//     that no script uses processor time.
//   - runs_per_s: whole runs per second, from the first post until the last
//     run has ended. A run maps the event and makes two calls: one that reads,
//     one that writes.
//   - first_call_ms: from before a post is written until the app has read the
//     run's first call, at a steady 200 posts a second.
//   - parked_bytes_per_run and start_ms: starts on a folder with many runs that
//     wait for an event and a timer, in alternation with starts on an empty one.
//     The memory is that of the process, as the operating system reports it.
//   - history_ratio: runs per second with many old runs in the file, divided by
//     those with an empty file. Both engines are in this process and measured in
//     alternation. The old runs are copies of runs that the engine made.
//   - sender_per_s and sync_us are limits of the machine: how many posts a second
//     the senders make to a server that answers at once, and how long it takes
//     to make 4 KB durable in the folder.
//
// Senders and app are written for this package and use a fraction of net/http's
// processor time, so that the cores are free for the engine. The package stores
// no results and compares with none.
package bench
