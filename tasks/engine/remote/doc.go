// Package remote is what the engines that are reached over HTTP have in common: a
// transport with a limit, timeouts and careful retries, the loop that watches a run by
// looking at it, and the memory of starts. An engine adds the words of its vendor.
package remote
