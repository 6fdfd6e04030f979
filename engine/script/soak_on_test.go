//go:build soak

package script_test

// savesInPieces is how many saves TestSavesInPieces makes.
const savesInPieces = 1000
