package dev

import (
	"github.com/cioevents/cioevents/internal/console"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// startConsole binds the console, which shows the first warehouse.
func (s *Stack) startConsole() (err error) {
	places, err := place.ParseList(s.workerConfig().Warehouses)
	if err != nil {
		return err
	}
	effects := s.cfg.Worker.Effects
	if s.consoleConn, err = s.Connect(); err != nil {
		return err
	}
	s.console, err = console.New(console.Config{
		Settings: s.cfg.Console, Conn: s.consoleConn, Warehouses: places, Workspaces: s.cfg.Ingest.Workspaces.Names(), PrivacyKey: s.cfg.Worker.Privacy.KeyOrNil(),
		Rules: operate.PolicySettings{File: effects.File, Mode: effects.Mode, SuppressUnknown: effects.SuppressUnknown}, Log: s.log,
	})
	return err
}

// ConsoleURL returns the address of the console.
func (s *Stack) ConsoleURL() string { return s.console.URL() }
