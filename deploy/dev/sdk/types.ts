// What the product sends to Slack, in the words of Slack's own types: the schemas are made from this.
import type { HomeView, KnownBlock, ModalView } from "@slack/types";

/** A message: its text for notifications, and its blocks. */
export interface Message {
  text: string;
  blocks: KnownBlock[];
}

/** A modal of blocks that are known: Slack's own type also takes any other. */
export interface Modal extends Omit<ModalView, "blocks"> {
  blocks: KnownBlock[];
}

/** A home page, likewise. */
export interface Home extends Omit<HomeView, "blocks"> {
  blocks: KnownBlock[];
}
