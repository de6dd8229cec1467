// Package config reads the settings of a program: each is an environment
// variable and a flag of the same name. All mistakes are reported together.
package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// A Set is the settings of one program.
type Set struct {
	flags  *pflag.FlagSet
	getenv func(string) string
	vars   []*variable
	checks []func() error
	// version is set by --version.
	version bool
}

// A variable is one setting, INGEST_ADDR for the environment and --ingest-addr
// for the command line.
type variable struct {
	name string
	// fromFile is set for secrets: NAME_FILE may name a file with the value.
	fromFile bool
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
	s.flags.Var(v, flagName(name), about)
	s.vars = append(s.vars, &variable{name: name})
}

// String declares a text.
func (s *Set) String(p *string, name, value, about string) {
	s.flags.StringVar(p, flagName(name), value, about)
	s.vars = append(s.vars, &variable{name: name})
}

// Secret declares a text that may also be read from the file that NAME_FILE
// names. Its value is never printed.
func (s *Set) Secret(p *string, name, about string) {
	s.flags.StringVar(p, flagName(name), "", about+"; or "+name+"_FILE")
	s.vars = append(s.vars, &variable{name: name, fromFile: true})
}

// Int declares a whole number.
func (s *Set) Int(p *int, name string, value int, about string) {
	s.flags.IntVar(p, flagName(name), value, about)
	s.vars = append(s.vars, &variable{name: name})
}

// Bool declares a switch; its flag alone means true.
func (s *Set) Bool(p *bool, name string, value bool, about string) {
	s.flags.BoolVar(p, flagName(name), value, about)
	s.vars = append(s.vars, &variable{name: name})
}

// Float declares a number.
func (s *Set) Float(p *float64, name string, value float64, about string) {
	s.flags.Float64Var(p, flagName(name), value, about)
	s.vars = append(s.vars, &variable{name: name})
}

// Check adds a condition on the values, judged after all of them are read. Its
// error begins with the setting's name.
func (s *Set) Check(check func() error) { s.checks = append(s.checks, check) }

// Parse reads the command line and the environment; a flag wins. It returns
// every mistake in one UsageError, or ErrHelp or ErrVersion.
func (s *Set) Parse(args []string) error {
	s.flags.Usage = func() {} // the caller prints it
	if err := s.flags.Parse(args); err != nil {
		if errors.Is(err, ErrHelp) {
			return err
		}
		return &UsageError{hideValue(err)}
	}
	if s.flags.NArg() > 0 {
		return &UsageError{errors.New("there is an argument that is no setting: they are given as --name=value")}
	}
	if s.version {
		return ErrVersion
	}
	return s.Load()
}

// hideValue leaves out of a mistake what may be a secret with one dash too few,
// as in -api-key=secret.
func hideValue(err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok && unknown.GetSpecifiedShortnames() == "" {
		return err // it has the name alone
	}
	if _, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return err // of a number or the like: a text is never invalid
	}
	if _, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return err
	}
	return errors.New("there is a flag that is no setting: they are given as --name=value")
}

// Load is Parse for flags that have been parsed already.
func (s *Set) Load() error {
	var mistakes []error
	for _, v := range s.vars {
		if err := s.load(v); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	for _, check := range s.checks {
		if err := check(); err != nil {
			mistakes = append(mistakes, err)
		}
	}
	if err := errors.Join(mistakes...); err != nil {
		return &UsageError{err}
	}
	return nil
}

func (s *Set) load(v *variable) error {
	flag := s.flags.Lookup(flagName(v.name))
	if flag.Changed {
		return nil
	}
	value := s.getenv(v.name)
	if value == "" && v.fromFile {
		var err error
		if value, err = s.fileValue(v.name); err != nil {
			return err
		}
	}
	if value == "" {
		return nil
	}
	if err := flag.Value.Set(value); err != nil {
		if v.fromFile {
			return fmt.Errorf("%s: not a valid value", v.name)
		}
		return fmt.Errorf("%s: %q is not a valid %s", v.name, value, flag.Value.Type())
	}
	return nil
}

// fileValue reads the file that NAME_FILE names.
func (s *Set) fileValue(name string) (string, error) {
	path := s.getenv(name + "_FILE")
	if path == "" {
		return "", nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	return strings.TrimSpace(string(b)), nil
}

// Value reads what is no setting of its own, because its name is not known in
// advance.
func (s *Set) Value(name string) string { return s.getenv(name) }

// SecretValue reads a secret that is no setting of its own: NAME, or the file
// that NAME_FILE names.
func (s *Set) SecretValue(name string) (string, error) {
	if v := s.getenv(name); v != "" {
		return v, nil
	}
	return s.fileValue(name)
}

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

// Names returns the settings' environment names, in order of declaration.
func (s *Set) Names() []string {
	names := make([]string, len(s.vars))
	for i, v := range s.vars {
		names[i] = v.name
	}
	return names
}

func flagName(name string) string {
	return strings.ToLower(strings.ReplaceAll(name, "_", "-"))
}

// EnvName is the environment variable of a flag.
func EnvName(flag string) string {
	return strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}
