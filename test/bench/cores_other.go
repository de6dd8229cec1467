//go:build !linux

package main

import (
	"context"
	"errors"
	"io"
)

// runCores fails: only Linux pins threads to processors.
func runCores(context.Context, io.Writer) error {
	return errors.New("measure a cache line: Linux only")
}
