package difftest

// maxReductions bounds how many programs Reduce tries.
const maxReductions = 6000

// reduceBatch is how many programs Reduce tries at once: both interpreters run
// at the same time, which they cannot do for a single program.
const reduceBatch = 16

// Reduce makes a program smaller while its results still differ in the same
// way. It calls differs with smaller variants of the program. differs returns
// the index of the first of them that shows the same difference, -1 if none
// does. Reduce continues from that one.
func Reduce(p *Program, differs func(variants []*Program) int) *Program {
	tried := 0
	for again := true; again && tried < maxReductions; {
		again = false
		for at := 0; tried < maxReductions; {
			variants, positions, next := smaller(p, at)
			if len(variants) == 0 {
				break
			}
			tried += len(variants)
			at = next
			if i := differs(variants); i >= 0 {
				p, at, again = variants[i], positions[i], true
			}
		}
	}
	return p
}

// smaller makes the next variants of a program, by the edits from number at on.
// It returns them with the number of the edit of each, and the number to
// continue at.
func smaller(p *Program, at int) (variants []*Program, positions []int, next int) {
	size := len(p.Source(true))
	for edits := countEdits(p.root); len(variants) < reduceBatch && at < edits; at++ {
		root := edited(p.root, at)
		if root == nil {
			continue
		}
		if source, ok := render(root, true); ok && len(source) < size {
			variants = append(variants, &Program{root})
			positions = append(positions, at)
		}
	}
	return variants, positions, at
}
