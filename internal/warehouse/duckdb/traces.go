package duckdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// DuckDB leaves parts of a block unset and writes what was in the memory before
// (https://github.com/duckdb/duckdb/issues/23382). Of 20 erasures of 300 events among 30,000,
// one copy had an address of the erased person: the search for the rows had left the
// address in memory. No setting prevents such bytes: without FSST, and without compression,
// blocks have unset parts, too. So a revision looks for the texts of the persons in the
// bytes of the copy, and copies again.
//
// The look finds whole texts. Pieces of a text may be left.

// copyAttempts bounds the copies of a revision.
const copyAttempts = 4

// leastTrace is the number of bytes of the shortest text that a revision looks for. Shorter
// texts are in compressed blocks by chance, or in the rows of others.
const leastTrace = 10

// tracesNote is the note about a copy that has a text after all attempts.
const tracesNote = "The rows are changed, and an identifier of a person is left in unused bytes of the file. Run the erasure again."

// tracesOf returns the identifiers of persons that are long enough to look for.
func tracesOf(search *privacy.Search, stored []string) []string {
	texts := slices.Clone(stored)
	for _, kind := range privacy.Kinds() {
		texts = append(texts, search.Texts(kind)...)
	}
	slices.Sort(texts)
	return slices.DeleteFunc(slices.Compact(texts), func(t string) bool { return len(t) < leastTrace })
}

// shows reports whether the bytes of the new file have a text that none of its rows has.
func (s *Sink) shows(ctx context.Context, v versions, texts []string) (bool, error) {
	found, err := inBytes(v.fresh, texts)
	if err != nil || len(found) == 0 {
		return false, err
	}
	if err := s.file.exec(ctx, "ATTACH "+literal(v.fresh)+" AS "+fresh+" (READ_ONLY)"); err != nil {
		return false, err
	}
	left := false
	for _, text := range found {
		isRow, failed := s.hasRow(ctx, text)
		left, err = left || !isRow, errors.Join(err, failed)
	}
	return left, errors.Join(err, s.file.exec(ctx, "DETACH "+fresh))
}

// hasRow reports whether a row of the new file has a text, such as that of another person
// with the same address.
func (s *Sink) hasRow(ctx context.Context, text string) (has bool, err error) {
	var columns []string
	for _, c := range warehouse.Columns() {
		if c.Type == warehouse.Text || c.Type == warehouse.JSON {
			columns = append(columns, quote(c.Name)+"::VARCHAR")
		}
	}
	//nolint:gosec // names of columns
	row := s.file.conn.QueryRowContext(ctx, "SELECT EXISTS (FROM "+fresh+"."+eventsTable+" WHERE contains(concat_ws(chr(10), "+strings.Join(columns, ", ")+"), ?))", text)
	if err := row.Scan(&has); err != nil {
		return false, fmt.Errorf("look for an identifier in rows: %w", err)
	}
	return has, nil
}

// inBytes returns the texts that the bytes of a file have.
func inBytes(path string, texts []string) (found []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("look for identifiers in the copy: %w", err)
	}
	defer f.Close()
	overlap := 0
	for _, t := range texts {
		overlap = max(overlap, len(t))
	}
	buf, kept := make([]byte, 1<<20+overlap), 0
	for {
		n, err := io.ReadFull(f, buf[kept:])
		data := buf[:kept+n]
		for _, t := range texts {
			if bytes.Contains(data, []byte(t)) && !slices.Contains(found, t) {
				found = append(found, t)
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return found, nil
		case err != nil:
			return nil, fmt.Errorf("look for identifiers in the copy: %w", err)
		}
		kept = copy(buf, data[len(data)-overlap:])
	}
}
