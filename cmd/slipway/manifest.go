package main

import (
	"errors"
	"fmt"
	"strings"

	"slipway/bot/slack"
)

// slackCommand prints the manifest of the Slack app: pasted into Slack's page, it makes
// an app with all that Slipway needs.
func slackCommand(args []string, p process) error {
	args, socket := takeFlag(args, "socket")
	args, lang, err := takeLang(args, p)
	if err != nil {
		return err
	}
	args, address, err := takeOption(args, "url")
	if err != nil {
		return err
	}
	if len(args) != 1 || args[0] != "manifest" {
		return errors.New("slack manifest is expected, with --url https://HOST or --socket")
	}
	if address == "" {
		address, _ = p.getenv("SLIPWAY_PUBLIC_URL")
	}
	address = strings.TrimRight(address, "/")
	if address != "" && !isAddress(address) {
		return errors.New("--url: an address such as https://slipway.example.com is expected")
	}
	if !socket && !strings.HasPrefix(address, "https://") {
		if address != "" {
			return fmt.Errorf("a public https address is expected, not %s: Slack delivers to no other; or use --socket", address)
		}
		socket = true // what works without an address
	}
	manifest, err := slack.Manifest(slack.ManifestConfig{URL: address, Socket: socket, Lang: lang})
	if err != nil {
		return fmt.Errorf("make manifest: %w", err)
	}
	_, err = fmt.Fprintf(p.stdout, "%s\n", strings.TrimRight(string(manifest), "\n"))
	return err
}
