package duckdb

// StopAt calls do when a revision comes to a step.
func StopAt(name string, do func()) {
	step = func(at string) {
		if at == name {
			do()
		}
	}
}
