package duckdb_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

// roles are what this test binary can be as another process.
var roles = map[string]func(path string) error{
	"hold":      hold,
	"hold-ro":   func(path string) error { return hold(path + "?access_mode=READ_ONLY") },
	"write":     writeBatches,
	"disk-full": fillDisk,
	"large":     writeLarge,
	"stage":     stageBatches,

	"erase-copying": eraseUntil("copying"),
	"erase-copied":  eraseUntil("copied"),
	"erase-rename":  eraseUntil("rename"),
	"erase-renamed": eraseUntil("renamed"),
	"erase-marked":  eraseUntil("marked"),
}

// TestMain lets the test binary be another process at the database file.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && roles[os.Args[1]] != nil {
		if err := roles[os.Args[1]](os.Args[2]); err != nil {
			fmt.Println("error:", err)
		}
		return
	}
	m.Run()
}

// hold opens the file as DuckDB's shell does, without a lease, until its
// standard input ends.
func hold(dsn string) error {
	db, err := sql.Open("duckdb", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.PingContext(context.Background()); err != nil {
		return err
	}
	fmt.Println("held")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func openSink(path string) (*duckdb.Sink, error) {
	sink, err := duckdb.New(duckdb.Config{Path: path})
	if err == nil {
		err = sink.Open(context.Background())
	}
	return sink, err
}

const batches, batchSize = 8, 100

// writeBatches writes the rows of a campaign and says after each batch how many
// were new.
func writeBatches(path string) error {
	sink, err := openSink(path)
	if err != nil {
		return err
	}
	defer sink.Close()
	rows := warehousetest.Rows(batches * batchSize)
	for b := range batches {
		result, err := sink.Write(context.Background(), rows[b*batchSize:(b+1)*batchSize])
		if err != nil {
			return err
		}
		fmt.Println("inserted", result.Inserted)
	}
	return nil
}

const staged, stageSize = 16, 5_000

func stagedRows() []warehouse.Row { return warehousetest.Rows(staged * stageSize) }

// stageBatches stages batches and says after each batch how many are stored for sure.
func stageBatches(path string) error {
	sink, err := openSink(path)
	if err != nil {
		return err
	}
	defer sink.Close()
	var stored atomic.Int32
	for batch := range slices.Chunk(stagedRows(), stageSize) {
		_, group, err := sink.Stage(context.Background(), batch)
		if err != nil {
			return err
		}
		go func() {
			if group.Wait(context.Background()) == nil {
				stored.Add(1)
			}
		}()
		fmt.Println("inserted", stored.Load()*stageSize)
	}
	return nil
}

// fillDisk writes until the file may grow no more, which to DuckDB looks like a
// full disk, and then once more with the limit gone.
func fillDisk(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 2 << 20, Max: old.Max}); err != nil {
		return err
	}
	sink, err := openSink(path)
	if err != nil {
		return err
	}
	defer sink.Close()
	rows := warehousetest.Rows(100 * batchSize)
	for from := 0; from < len(rows); from += batchSize {
		result, err := sink.Write(context.Background(), rows[from:from+batchSize])
		fmt.Printf("inserted %d, rejected %d, error %t: %v\n", result.Inserted, len(result.Rejected), err != nil, err)
		if err == nil {
			continue
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			return err
		}
		result, err = sink.Write(context.Background(), rows[:from+batchSize])
		fmt.Printf("then inserted %d, duplicates %d, error %v\n", result.Inserted, result.Duplicates, err)
		return nil
	}
	return errors.New("the disk did not fill up")
}

// writeLarge writes rows of 50 kB in batches of 4 MB, as a worker does with a backlog, and
// says how much memory the process took. The rows suffice for two checkpoints: the second
// one writes the rows of the first one again.
func writeLarge(path string) error {
	sink, err := openSink(path)
	if err != nil {
		return err
	}
	content := make([]byte, 50_000)
	for n := range 70 {
		rows := make([]warehouse.Row, 80)
		for i := range rows {
			for j := range content {
				content[j] = 'a' + byte(rand.N(26))
			}
			rows[i] = row("w", fmt.Sprintf("%d-%d", n, i), `{"data":{"content":"`+string(content)+`"}}`)
		}
		if _, err := sink.Write(context.Background(), rows); err != nil {
			return err
		}
	}
	if err := sink.Close(); err != nil {
		return err
	}
	// Getrusage would count the memory of the parent, too.
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	var peak int
	if _, rest, ok := strings.Cut(string(status), "VmHWM:"); !ok {
		return errors.New("no VmHWM")
	} else if _, err := fmt.Sscan(rest, &peak); err != nil {
		return err
	}
	fmt.Println("peak", peak/1024)
	return nil
}

// A child is another process in one of the roles.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Scanner
}

func startChild(t *testing.T, role, path string) *child {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], role, path)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &child{t: t, cmd: cmd, stdin: stdin, lines: bufio.NewScanner(stdout)}
}

// line returns the next line that the child prints.
func (c *child) line() string {
	c.t.Helper()
	if !c.lines.Scan() {
		c.t.Fatalf("the child said no more: %v", c.lines.Err())
	}
	return c.lines.Text()
}

// end lets a holder go, waits for the process and returns the lines left.
func (c *child) end() []string {
	c.t.Helper()
	c.stdin.Close()
	var lines []string
	for c.lines.Scan() {
		lines = append(lines, c.lines.Text())
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("the child: %v", err)
	}
	return lines
}

// kill ends the process as a crash would.
func (c *child) kill() {
	c.t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	_ = c.cmd.Wait()
}

// inserted is the number in a line of a writing child.
func inserted(t *testing.T, line string) int {
	t.Helper()
	var n int
	if _, err := fmt.Sscanf(line, "inserted %d", &n); err != nil {
		t.Fatalf("the child said %q", line)
	}
	return n
}
