/** What goes wrong on the way; everything else is a state of the account. */
export type Fault =
  /** It is done, and nobody hears of it. */
  | { readonly kind: 'lost' }
  /** It is done, and a page of HTML says that it was not. */
  | { readonly kind: 'html after' }
  /** It is not done. */
  | { readonly kind: 'html' }
  | { readonly kind: 'throttled' }
  | { readonly kind: 'broken' }
  /** It is done so much later. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** It is not done, for a reason in Lightsail's own words. */
  | { readonly kind: 'refused'; readonly type: string; readonly message: string };

type Planned = { readonly call: string; readonly fault: Fault; left: number };

/** Which calls go wrong, and how often: the oldest plan that is left decides. */
export class Faults {
  #planned: Planned[] = [];

  /** The next calls of this name, or of any (`*`), go wrong: `times` of them, or all until `clear`. */
  plan(call: string, fault: Fault, times: number = Number.POSITIVE_INFINITY): void {
    this.#planned.push({ call, fault, left: times });
  }

  clear(): void {
    this.#planned = [];
  }

  /** What goes wrong with this call. */
  take(call: string): Fault | undefined {
    const found = this.#planned.find((each) => each.left > 0 && (each.call === '*' || each.call === call));
    if (found) found.left -= 1;
    return found?.fault;
  }
}
