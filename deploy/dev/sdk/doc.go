// Package sdk has the tests that hold Slipway's stand-ins of Slack, Feishu and DingTalk,
// and what Slipway sends, against the vendors' own software in another language: Slack's
// Bolt, web client and types, the SDKs of Feishu and DingTalk, and two Standard Webhooks
// libraries for hooks, all for Node. What Slipway's authors misunderstood they would have
// got wrong on both sides; the vendors did not.
package sdk
