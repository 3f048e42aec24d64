// Package cardjson holds the rules of Feishu's and Lark's message cards in their JSON 2.0
// form: the limits as constants, for who renders cards, and Check, which tells everything
// that Feishu would refuse in a card. Check is used by tests of the renderer and by the
// stand-in of Feishu in package feishutest, so that no card reaches a person that it has
// not passed.
//
// A 2.0 card is refused as a whole when it has a property that its component does not
// know, so Check knows the properties of every component ([Components]) and where each
// may stand.
//
// Every rule names its source: a page of the vendor's documentation by the last part of
// its address below
//
//	https://open.feishu.cn/document/feishu-cards/
//
// for example "card-json-v2-structure" (the whole card),
// "card-json-v2-breaking-changes-release-notes" (unknown properties are refused),
// "…/interactive-components/button". What the pages leave open is decided the strict
// way and says so.
package cardjson
