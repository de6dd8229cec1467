package duckdb

import "time"

// KeepGroups lets groups wait for another batch as long as a busy machine may need.
func (s *Sink) KeepGroups() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groupPause, s.groupLife = time.Hour, time.Hour
}

// StopAt calls do when a revision comes to a step.
func StopAt(name string, do func()) {
	step = func(at string) {
		if at == name {
			do()
		}
	}
}
