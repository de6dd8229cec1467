package worker

import (
	"testing"
	"unsafe"

	"github.com/cioevents/cioevents/internal/event"
)

// A batch of many parts is copied once, however many parts follow the second.
func TestExtendCopiesOnce(t *testing.T) {
	t.Parallel()
	const most, size = 100, 10
	part := make([]event.Attempt, size)
	batch := extend(nil, part, most)
	if &batch[0] != &part[0] {
		t.Error("the first part is copied")
	}
	batch = extend(batch, part, most)
	first := &batch[0]
	for range most/size - 2 {
		batch = extend(batch, part, most)
	}
	if len(batch) != most || &batch[0] != first {
		t.Errorf("%d messages, copied again: %t; want %d and no copy", len(batch), &batch[0] != first, most)
	}
	if batch = extend(batch, part, most); len(batch) != most+size {
		t.Errorf("%d messages, want %d", len(batch), most+size)
	}
}

// A worker has an attempt for each of 100,000 opens in hand.
func TestAttemptIsSmall(t *testing.T) {
	t.Parallel()
	if size := unsafe.Sizeof(event.Attempt{}); size > 56 {
		t.Errorf("an attempt has %d bytes, want 56", size)
	}
}
