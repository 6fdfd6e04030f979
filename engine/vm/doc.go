// Package vm runs scripts. It compiles Lua, runs each activation in a pooled
// state with a new environment, meters every instruction, builds the libraries
// and app modules, and calls its Host for everything outside of the script. It
// uses no journal, no network and no files.
package vm
