package stream

import (
	"sync"

	"github.com/cioevents/cioevents/internal/event"
)

// maxRemembered bounds half of a memory: 100,000 messages take some 4 MB.
const maxRemembered = 100_000

// A memory holds at least the last maxRemembered messages that this process has settled.
// A floor is some seconds old, and stays below a message in retry. With a memory a
// restored consumer repeats no message above the floor either. Workers do not share
// memories: another worker may repeat some seconds.
type memory struct {
	mu sync.Mutex
	// Both map the sequence of a message to the time of storing.
	young, old map[uint64]int64
}

// A messageKey identifies a message of any stream of the name. The sequences of a
// recreated stream repeat; the times of storing, in nanoseconds, do not.
type messageKey struct {
	sequence uint64
	storedAt int64
}

func keyOf(a *event.Attempt) messageKey { return messageKey{a.Sequence, a.StoredAt.UnixNano()} }

func (m *memory) add(key messageKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.young == nil || len(m.young) >= maxRemembered {
		m.young, m.old = map[uint64]int64{}, m.young
	}
	m.young[key.sequence] = key.storedAt
}

func (m *memory) has(key messageKey) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, half := range []map[uint64]int64{m.young, m.old} {
		if at, ok := half[key.sequence]; ok && at == key.storedAt {
			return true
		}
	}
	return false
}

func (m *memory) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.young, m.old = nil, nil
}

// remember makes the settlers of attempts add to the memory.
func (m *memory) remember(attempts []event.Attempt) {
	for i := range attempts {
		if s, ok := attempts[i].Settle.(*settler); ok {
			s.origin.memory.Store(m)
		}
	}
}
