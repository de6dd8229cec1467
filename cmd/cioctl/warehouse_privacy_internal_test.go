package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

// check finds the rows that a policy hashes, apply changes them, and the next check finds
// none.
func TestWarehousePrivacy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, err := place.Parse("duckdb:" + filepath.Join(dir, "e.duckdb"))
	if err != nil {
		t.Fatal(err)
	}
	sink, err := p.Sink(zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	warehousetest.Fill(t, sink, warehousetest.Samples())
	file := filepath.Join(dir, "privacy.yaml")
	s := &shell{t: t, env: map[string]string{"WAREHOUSE_URL": p.URL, "PRIVACY_FILE": file, "PRIVACY_KEY": strings.Repeat("s", 32)}}
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("version: 1\ncolumns: {nothing: hash, email_address: drop}\n")
	out, errs, code := s.run("warehouse", "privacy", "check")
	if code != 2 || !strings.Contains(errs, "unknown column") || !strings.Contains(errs, "email_address cannot be dropped") {
		t.Errorf("a file with two mistakes: exit code %d, %s, %s", code, out, errs)
	}
	write("version: 1\nkey: {id: k1, env: PRIVACY_KEY}\ncolumns: {customer_id: hash, subject: drop}\npayload: redact\n")
	out, errs, code = s.run("warehouse", "privacy", "check")
	if code != 1 || !strings.Contains(out, "customer_id") || !strings.Contains(errs, "violate the file") {
		t.Errorf("check before: exit code %d, %s, %s", code, out, errs)
	}
	if _, errs, code := s.run("warehouse", "privacy", "apply"); code != 2 || !strings.Contains(errs, "--yes") {
		t.Errorf("apply without a terminal: exit code %d, %s", code, errs)
	}
	applied := read[[]appliedPolicy](s, "warehouse", "privacy", "apply", "--yes")
	if len(applied) != 1 || applied[0].Rows != int64(len(warehousetest.Samples())) || applied[0].NotClean {
		t.Errorf("applied: %+v", applied)
	}
	checks := read[[]operate.PrivacyCheck](s, "warehouse", "privacy", "check")
	if len(checks) != 1 || checks[0].Violating != 0 || checks[0].Rows == 0 {
		t.Errorf("check afterwards: %+v", checks)
	}
	delete(s.env, "PRIVACY_FILE")
	s.wrong("PRIVACY_FILE: is required", "warehouse", "privacy", "check")
}
