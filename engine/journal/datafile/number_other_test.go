//go:build !unix

package datafile

func setNumber(*openFile) {}
