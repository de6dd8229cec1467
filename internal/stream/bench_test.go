package stream_test

import (
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// BenchmarkPublish measures a message that is stored among many at a time. The server's part
// is in the time.
func BenchmarkPublish(b *testing.B) {
	p, err := stream.NewPublisher(streamtest.Start(b).Connect(stream.Settings{}), 0)
	if err != nil {
		b.Fatal(err)
	}
	var ids atomic.Uint64
	b.SetParallelism(128)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := p.Publish(b.Context(), message(strconv.FormatUint(ids.Add(1), 10))); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
