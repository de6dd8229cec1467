package duckdb

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// A session is a connection to an open database by DuckDB's C interface, for readers.
// The driver for database/sql has each result in memory before the first row: 200,000
// events took 3 GB. The C interface streams a result.
type session struct {
	db bindings.Database

	mu   sync.Mutex // guards conn: an interrupt comes from another goroutine
	conn bindings.Connection
	open bool
}

// openSession opens the database at path, "" for one in memory.
func openSession(path string, options map[string]string) (*session, error) {
	var config bindings.Config
	bindings.CreateConfig(&config)
	defer bindings.DestroyConfig(&config)
	for name, value := range options {
		if bindings.SetConfig(config, name, value) == bindings.StateError {
			return nil, fmt.Errorf("set %s of DuckDB to %q: refused", name, value)
		}
	}
	s := &session{}
	var problem string
	if bindings.OpenExt(path, &s.db, config, &problem) == bindings.StateError {
		bindings.Close(&s.db)
		return nil, errors.New(problem)
	}
	if bindings.Connect(s.db, &s.conn) == bindings.StateError {
		bindings.Close(&s.db)
		return nil, errors.New("connect to DuckDB: refused")
	}
	s.open = true
	return s, nil
}

// exec runs statements whose results do not matter.
func (s *session) exec(statements string) error {
	var result bindings.Result
	defer bindings.DestroyResult(&result)
	if bindings.Query(s.conn, statements, &result) == bindings.StateError {
		return errors.New(bindings.ResultError(&result))
	}
	return nil
}

// prepare compiles a statement. The text must be one statement of the allowed types.
// DuckDB's parser decides, because a look at the text would miss comments and quotes.
func (s *session) prepare(text string, allowed ...bindings.StatementType) (bindings.PreparedStatement, error) {
	var prepared bindings.PreparedStatement
	var list bindings.ExtractedStatements
	defer bindings.DestroyExtracted(&list)
	switch n := bindings.ExtractStatements(s.conn, text, &list); {
	case n > 1:
		return prepared, fmt.Errorf("want one statement, have %d", n)
	case n == 0 && bindings.ExtractStatementsError(list) == "":
		return prepared, errors.New("want a statement, have none")
	case n == 0:
		return prepared, errors.New(bindings.ExtractStatementsError(list))
	}
	if bindings.PrepareExtractedStatement(s.conn, list, 0, &prepared) == bindings.StateError {
		defer bindings.DestroyPrepare(&prepared)
		return prepared, errors.New(bindings.PrepareError(prepared))
	}
	for _, t := range allowed {
		if bindings.PreparedStatementType(prepared) == t {
			return prepared, nil
		}
	}
	bindings.DestroyPrepare(&prepared)
	return prepared, errNoRead
}

var errNoRead = errors.New("want a statement that reads, such as SELECT, FROM, DESCRIBE or SHOW TABLES: the warehouse is open for reading only")

// interrupt stops the statement that runs, if any. Another goroutine may run it.
func (s *session) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open {
		bindings.Interrupt(s.conn)
	}
}

func (s *session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open {
		s.open = false
		bindings.Disconnect(&s.conn)
		bindings.Close(&s.db)
	}
}

// listTables is what a reader runs for SHOW TABLES: a database has each view in two
// schemas, and SHOW TABLES would list the views twice, and the store's own table.
const listTables = "SELECT DISTINCT table_name AS name FROM information_schema.tables WHERE table_name <> '" + storeTable + "' ORDER BY name"

var showTables = regexp.MustCompile(`(?i)^\s*SHOW\s+TABLES\s*;?\s*$`)

// tables returns the names of the tables and views that a statement can read.
func (s *session) tables() string {
	prepared, err := s.prepare(listTables, bindings.StatementTypeSelect)
	if err != nil {
		return ""
	}
	st, err := s.start(prepared)
	if err != nil {
		return ""
	}
	defer st.close()
	var names []string
	for {
		row, err := st.next()
		if err != nil {
			return strings.Join(names, ", ")
		}
		names = append(names, fmt.Sprint(row[0]))
	}
}
