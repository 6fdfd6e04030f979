package difftest

// maxReductions bounds how many programs Reduce tries.
const maxReductions = 6000

// reduceBatch is how many programs Reduce tries at once: both interpreters run
// at the same time, which a single program would not use.
const reduceBatch = 16

// Reduce makes a program smaller while it still shows the difference that it was
// found by. It calls differs with smaller variants of the program. differs gives
// the index of the first of them that shows the same difference, -1 if none
// does; Reduce goes on from that one.
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

// smaller makes the next variants of a program, by the edits from one on. It
// gives the edit of each, and the edit to go on with.
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
