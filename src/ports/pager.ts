/** Something a person must know. The id says which event it is: one id is never two pages. */
export type Page = {
  readonly id: string;
  readonly gateway: string;
  readonly title: string;
  readonly text: string;
  readonly at: string;
};

/** Tells a person. */
export interface Pager {
  /** Resolves when the page is acknowledged. Anything else is an error, and the page is sent again with the same id. */
  page(page: Page): Promise<void>;
}
