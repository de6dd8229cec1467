package config

// A Setting is what the documentation says about one setting.
type Setting struct {
	// Name is the environment variable, Flag the flag with its dashes.
	Name, Flag string
	// Default is the value that counts without the setting, "" for none.
	Default string
	About   string
}

// Settings returns all settings, in order of declaration.
func (s *Set) Settings() []Setting {
	settings := make([]Setting, len(s.vars))
	for i, v := range s.vars {
		flag := s.flags.Lookup(flagName(v.name))
		settings[i] = Setting{Name: v.name, Flag: "--" + flag.Name, Default: flag.DefValue, About: flag.Usage}
	}
	return settings
}
