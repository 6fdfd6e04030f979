// Package vm runs scripts. It compiles Lua, lends pooled states with a fresh
// environment to one activation at a time, meters every instruction, builds
// the libraries and app modules, and asks its Host for everything that reaches
// beyond the script. It knows no journal, no network and no file.
package vm
