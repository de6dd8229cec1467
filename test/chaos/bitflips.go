package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/test/lab"
)

// flips is how many bits of a block file are inverted.
const flips = 8

// flipBits inverts bits in the files of the stream on one server, just before or just
// after the server is killed, and starts the server again. The other two servers have
// the messages.
//
// nats-server 2.15.2 cuts a block file at the first record with a wrong checksum. It
// copies the rest from another server only if the file was the newest; otherwise it
// counts the messages as deleted and calls the replica current. Then the fault does what
// the runbook of the alert CioeventsReplicaIncomplete in docs/operations.md says.
func flipBits(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	p := d.cluster.server(d.cluster.random(r))
	steps := []func() error{
		func() error { p.Kill(); return nil },
		func() error { return flipBlocks(d.folder(p), r) },
	}
	if r.IntN(2) == 0 {
		slices.Reverse(steps)
	}
	err := errors.Join(steps[0](), steps[1](), p.Start())
	if err != nil || d.equalReplicas(ctx) == nil {
		return err
	}
	return d.wipe(ctx, p)
}

// wipe deletes the stream on one server, which copies the stream from the others.
func (d *deployment) wipe(ctx context.Context, p *lab.Process) error {
	d.wiped++
	p.Stop()
	err := os.RemoveAll(d.folder(p))
	return errors.Join(err, p.Start(), d.equalReplicas(ctx))
}

// folder returns where a server stores the stream.
func (d *deployment) folder(p *lab.Process) string {
	return filepath.Join(d.cfg.Dir, p.Name, "jetstream", account, "streams", stream.Name)
}

// flipBlocks inverts bits in each block file of the stream.
func flipBlocks(folder string, r *rand.Rand) error {
	files, err := filepath.Glob(filepath.Join(folder, "msgs", "*.blk"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%w: the stream has no block file", errNotPossible)
	}
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := flipFile(file, r); err != nil {
			return err
		}
	}
	return nil
}

func flipFile(path string, r *rand.Rand) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	for range flips {
		at := r.Int64N(info.Size())
		var b [1]byte
		if _, err := f.ReadAt(b[:], at); err != nil {
			return err
		}
		b[0] ^= 1 << r.IntN(8)
		if _, err := f.WriteAt(b[:], at); err != nil {
			return err
		}
	}
	return f.Sync()
}
