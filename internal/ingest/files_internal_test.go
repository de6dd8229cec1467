package ingest

import "testing"

func TestWithin(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		connections int
		files       uint64
		want        int
	}{
		{4096, 1 << 20, 4096},
		{4096, 4096, 3224},
		{4096, 5184, 4096},
		{4096, 1 << 63, 4096}, // unlimited
		{4096, 100, 40},
		{20, 1024, 20},
		{4096, 1, 1},
	} {
		if got := within(tt.connections, tt.files); got != tt.want {
			t.Errorf("%d connections with %d files: %d, want %d", tt.connections, tt.files, got, tt.want)
		}
	}
}
