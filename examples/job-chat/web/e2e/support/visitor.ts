/** Somebody with a browser window of their own, and what they do and see there. */

import type { BrowserContext, Locator, Page } from "playwright-core";

export class Visitor {
  readonly page: Page;
  readonly who: string;

  constructor(page: Page, who: string) {
    this.page = page;
    this.who = who;
  }

  get context(): BrowserContext {
    return this.page.context();
  }

  /** The conversation. */
  get log(): Locator {
    return this.page.getByRole("log");
  }

  /** Where one writes. */
  get composer(): Locator {
    return this.page.getByRole("textbox", { name: "Message" });
  }

  /** The bubble of a text. */
  message(text: string): Locator {
    return this.page.locator(".ce-message", { hasText: text });
  }

  /** What the application said about the job. */
  note(text: string): Locator {
    return this.page.locator(".ce-system", { hasText: text });
  }

  /** Goes to a job's chat, and waits until it is live. */
  async opensChat(job: number): Promise<void> {
    await this.page.goto(`/jobs/${job}/chat`);
    await this.composer.waitFor();
    // One can write earlier; what is in the room, or that nothing is, the server has said.
    await this.page.locator(".ce-list, .ce-empty").waitFor();
  }

  /** Writes and sends, by the keyboard. */
  async says(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** Waits until a text is in the conversation. */
  async sees(text: string): Promise<void> {
    await this.message(text).waitFor();
  }

  /** Waits until one's own message has come so far: `Sent`, `Delivered`, `Read`. */
  async seesTick(text: string, tick: string): Promise<void> {
    await this.message(text).getByLabel(tick, { exact: true }).waitFor();
  }

  /** The texts that are shown, in order, without the times and ticks beside them. */
  async texts(): Promise<string[]> {
    return this.page.locator(".ce-message-text").evaluateAll((all) =>
      all.map((one) => {
        const said = [...one.childNodes].filter((node) => !(node instanceof Element && node.matches(".ce-meta")));
        return said.map(({ textContent }) => textContent).join("");
      }),
    );
  }
}
