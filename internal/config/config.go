// Package config reads the settings of a program. Each setting is an environment
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

// A variable is a setting: INGEST_ADDR in the environment, --ingest-addr on the
// command line.
type variable struct {
	name string
	// secret allows NAME_FILE, the path of a file with the value.
	secret bool
}

// Parse returns ErrHelp for --help and ErrVersion for --version.
var (
	ErrHelp    = pflag.ErrHelp
	ErrVersion = errors.New("version requested")
)

// New returns an empty set for the program. The function getenv reads the
// environment and returns "" for a missing variable.
func New(program string, getenv func(string) string) *Set {
	flags := pflag.NewFlagSet(program, pflag.ContinueOnError)
	s := On(flags, getenv)
	flags.BoolVar(&s.version, "version", false, "print the version and exit")
	return s
}

// On returns a Set on the caller's FlagSet. Cobra prints the usage of its commands, so
// On adds no --help.
func On(flags *pflag.FlagSet, getenv func(string) string) *Set {
	flags.SortFlags = false
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(flagName(name)) // accepts --INGEST_ADDR, too
	})
	return &Set{flags: flags, getenv: getenv}
}

// Var declares a setting with a value of any type. The error of v.Set is the
// accepted form: "want a duration such as 30s".
func (s *Set) Var(v pflag.Value, name, about string) {
	s.flags.Var(v, s.add(name, false), about)
}

// String declares a setting with a text.
func (s *Set) String(p *string, name, value, about string) {
	s.flags.StringVar(p, s.add(name, false), value, about)
}

// Choice declares a setting with one of the allowed texts.
func (s *Set) Choice(p *string, name, value, about string, allowed ...string) {
	s.String(p, name, value, about)
	s.Check(func() error { return OneOf(name, *p, allowed...) })
}

// Secret declares a setting with a text, which may also come from the file with the
// path NAME_FILE. The value is never printed.
func (s *Set) Secret(p *string, name, about string) {
	s.flags.StringVar(p, s.add(name, true), "", about+"; or "+name+"_FILE")
}

// Int declares a setting with a whole number.
func (s *Set) Int(p *int, name string, value int, about string) {
	s.flags.IntVar(p, s.add(name, false), value, about)
}

// Count declares a setting with a whole number above 0.
func (s *Set) Count(p *int, name string, value int, about string) {
	s.Var(Above0(p, value), name, about)
}

// Address declares a setting with the address of a listener.
func (s *Set) Address(p *string, name, value, about string) {
	*p = value
	s.Var((*Address)(p), name, about)
}

// Bool declares a switch. The flag without a value means true.
func (s *Set) Bool(p *bool, name string, value bool, about string) {
	s.flags.BoolVar(p, s.add(name, false), value, about)
}

// add adds a variable and returns the name of its flag.
func (s *Set) add(name string, secret bool) string {
	s.vars = append(s.vars, variable{name: name, secret: secret})
	return flagName(name)
}

// Flags returns the command line, for a flag without a variable. The variables of an
// environment that have a common name, such as URL, may belong to another program.
func (s *Set) Flags() *pflag.FlagSet { return s.flags }

// Check adds a condition on the values, which Parse and Load check after reading
// all values. The error of check names the setting.
func (s *Set) Check(check func() error) { s.checks = append(s.checks, check) }

// PrintVersion writes one line: the program and its Version.
func (s *Set) PrintVersion(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s %s\n", s.flags.Name(), Version())
	return err
}

// PrintHelp writes the description of the program, about, and all settings.
func (s *Set) PrintHelp(w io.Writer, about string) error {
	_, err := fmt.Fprintf(w, "%s\n\nUsage:\n  %s [--name=value ...]\n\nEvery setting is an environment variable, too: --nats-url is NATS_URL.\n\n%s",
		about, s.flags.Name(), s.flags.FlagUsages())
	return err
}

func flagName(name string) string {
	return strings.ToLower(strings.ReplaceAll(name, "_", "-"))
}
