// Package script turns the files of the scripts folder into a Generation: all
// scripts compiled, their hooks checked, at one moment. A Set watches the
// folder and swaps one pointer when a new generation is complete; of a script
// that cannot be loaded, the last version stays in it.
//
// A script is x.lua, or a folder with main.lua whose other files are its own;
// lib/ at the top of the scripts folder is shared by all. Names that begin
// with a dot, end in "~" or "_test.lua", or begin and end with "#" are ignored,
// and so is everything that is not Lua, except template.yaml beside a main.lua.
//
// The package runs no handler, stores no event and fires no schedule.
package script
