package bigqueryfake

import (
	"sync"
	"testing"
)

// A client may end an outage before Stop has returned. Then both addresses have the same end.
func TestGatesChangeTogether(t *testing.T) {
	t.Parallel()
	s, err := Start(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 1_000_000 {
		var ends sync.WaitGroup
		ends.Go(s.Stop)
		ends.Go(s.Restart)
		ends.Wait()
		if s.grpcL.mode != s.restL.mode {
			t.Fatalf("the mode of gRPC is %d, and that of REST %d", s.grpcL.mode, s.restL.mode)
		}
	}
}
