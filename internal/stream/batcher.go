package stream

import (
	"net"
	"runtime"
	"sync"
	"time"
)

const (
	// maxBatch bounds the bytes that wait for a write. nats.go passes on half as many at a
	// time, except for a larger message.
	maxBatch = 64 << 10
	// writeTimeout bounds the write of a batch. nats.go gives a write the same time by
	// default (FlusherTimeout).
	writeTimeout = time.Minute
	// closeTimeout bounds the last write of a connection that is closed.
	closeTimeout = 100 * time.Millisecond
)

// A batcher collects messages, and writes the collected messages to a connection in a single
// system call. The flusher of nats.go writes nearly each message by itself: the scheduler
// runs the flusher directly after the publisher, and other publishers wait for the end of
// the write. The goroutine of a batcher lets ready publishers run first, and makes nobody
// wait.
//
// A message in the batch is as safe as a message in the buffer of nats.go: its publisher
// waits for the answer, and sends the message again.
type batcher struct {
	conn net.Conn

	mu    sync.Mutex
	room  *sync.Cond    // nil before the first write
	kick  chan struct{} // wakes run, with room for a single signal
	done  chan struct{} // closed when run has ended
	batch []byte
	err   error // of the connection, or net.ErrClosed
}

// write adds p to the batch.
func (b *batcher) write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.room == nil && b.err == nil {
		b.room, b.kick, b.done = sync.NewCond(&b.mu), make(chan struct{}, 1), make(chan struct{})
		go b.run()
	}
	for b.err == nil && len(b.batch) > 0 && len(b.batch)+len(p) > maxBatch {
		b.room.Wait()
	}
	if b.err != nil {
		return 0, b.err
	}
	b.batch = append(b.batch, p...)
	select {
	case b.kick <- struct{}{}:
	default: // run has not taken the batch yet
	}
	return len(p), nil
}

// run writes the batches. Publishers that are ready go first: their messages join the batch.
func (b *batcher) run() {
	defer close(b.done)
	var spare []byte
	for range b.kick {
		runtime.Gosched()
		batch := b.take(spare)
		_ = b.conn.SetWriteDeadline(time.Now().Add(writeTimeout)) // on a closed connection the write fails
		if _, err := b.conn.Write(batch); err != nil {
			b.fail(err)
			return
		}
		if spare = batch; cap(spare) > 2*maxBatch { // of a large message
			spare = nil
		}
	}
}

func (b *batcher) take(spare []byte) (batch []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	batch, b.batch = b.batch, spare[:0]
	b.room.Broadcast()
	return batch
}

// fail closes the connection: nats.go reads from it all the time, and connects again.
func (b *batcher) fail(err error) {
	_ = b.conn.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
	b.room.Broadcast()
}

// close writes the last batch and closes the connection.
func (b *batcher) close() error {
	if done := b.finish(); done != nil {
		select {
		case <-done:
		case <-time.After(closeTimeout):
		}
	}
	return b.conn.Close()
}

// finish refuses further writes, and returns the channel that run closes at its end, nil
// when run was never started.
func (b *batcher) finish() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = net.ErrClosed
		if b.room != nil {
			close(b.kick)
			b.room.Broadcast()
		}
	}
	return b.done
}
