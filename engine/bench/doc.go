// Package bench measures a whole engine on this machine: what `tidewire bench`
// prints. It starts an app of its own (a small HTTP server that answers at
// once), a real engine on a temporary folder, and senders that post signed
// webhooks of 1 KB over connections that stay open. All of them share the
// machine's cores, and nothing leaves it.
//
// What is measured (the command has the engine log as tidewire run does, to a
// file):
//
//   - accepts_per_s: events acknowledged per second, each durable with the run
//     that it causes. The runs queue in a lane that stands, so that no script
//     takes time from what is measured.
//   - runs_per_s: whole runs per second, from the first post until the last
//     run has ended. A run maps the event and makes two calls: one that reads,
//     one that writes.
//   - first_call_ms: from before a post is written until the app has read the
//     run's first call, at a steady 200 posts a second.
//   - parked_bytes_per_run and start_ms: starts on a folder with many runs that
//     wait for an event and a timer, by turns with starts on an empty one; the
//     memory is what the operating system says the process holds.
//   - history_ratio: runs per second with many old runs in the file against an
//     empty one, both engines in this process, measured by turns. The old runs
//     are copies of runs that the engine made.
//   - sender_per_s and sync_us say what the rest stands on: how fast the
//     senders are with nobody to wait for, and what the folder takes to make
//     4 KB durable.
//
// Senders and app are written for this and cost a fraction of net/http's, so
// that the cores are left to the engine. The package keeps no figure and
// compares with none; that is for who reads the report.
package bench
