// Package config reads the settings of a program: each is an environment
// variable and a flag of the same name. All mistakes are reported together.
package config

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// A Set is the settings of one program.
type Set struct {
	flags  *pflag.FlagSet
	getenv func(string) string
	vars   []variable
	checks []func() error
	// version is set by --version.
	version bool
}

// A variable is one setting, INGEST_ADDR for the environment and --ingest-addr
// for the command line.
type variable struct {
	name string
	// secret is set if NAME_FILE may name a file with the value.
	secret bool
}

// Parse returns ErrHelp for --help and ErrVersion for --version.
var (
	ErrHelp    = pflag.ErrHelp
	ErrVersion = errors.New("version requested")
)

// New returns an empty set for the program.
func New(program string, getenv func(string) string) *Set {
	flags := pflag.NewFlagSet(program, pflag.ContinueOnError)
	s := On(flags, getenv)
	flags.BoolVar(&s.version, "version", false, "print the version and exit")
	return s
}

// On is New on flags of the caller's own, which keeps their usage text.
func On(flags *pflag.FlagSet, getenv func(string) string) *Set {
	flags.SortFlags = false
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(flagName(name)) // --INGEST_ADDR is meant, too
	})
	return &Set{flags: flags, getenv: getenv}
}

// Var declares a setting of any type that pflag knows.
func (s *Set) Var(v pflag.Value, name, about string) {
	s.flags.Var(v, s.add(name, false), about)
}

// String declares a text.
func (s *Set) String(p *string, name, value, about string) {
	s.flags.StringVar(p, s.add(name, false), value, about)
}

// Secret declares a text that may also be read from the file that NAME_FILE
// names. The value is never printed.
func (s *Set) Secret(p *string, name, about string) {
	s.flags.StringVar(p, s.add(name, true), "", about+"; or "+name+"_FILE")
}

// Int declares a whole number.
func (s *Set) Int(p *int, name string, value int, about string) {
	s.flags.IntVar(p, s.add(name, false), value, about)
}

// Bool declares a switch; its flag alone means true.
func (s *Set) Bool(p *bool, name string, value bool, about string) {
	s.flags.BoolVar(p, s.add(name, false), value, about)
}

// Float declares a number.
func (s *Set) Float(p *float64, name string, value float64, about string) {
	s.flags.Float64Var(p, s.add(name, false), value, about)
}

// add adds a variable and returns the name of its flag.
func (s *Set) add(name string, secret bool) string {
	s.vars = append(s.vars, variable{name: name, secret: secret})
	return flagName(name)
}

// Check adds a condition on the values, judged after all values are read. The
// error of check names the setting.
func (s *Set) Check(check func() error) { s.checks = append(s.checks, check) }

// PrintVersion writes one line: the program and its Version.
func (s *Set) PrintVersion(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s %s\n", s.flags.Name(), Version())
	return err
}

// PrintHelp writes what the program does and all its settings.
func (s *Set) PrintHelp(w io.Writer, about string) error {
	_, err := fmt.Fprintf(w, "%s\n\nUsage:\n  %s [--name=value ...]\n\nEvery setting is an environment variable, too: --nats-url is NATS_URL.\n\n%s",
		about, s.flags.Name(), s.flags.FlagUsages())
	return err
}

func flagName(name string) string {
	return strings.ToLower(strings.ReplaceAll(name, "_", "-"))
}
