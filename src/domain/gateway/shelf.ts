/** Where a saved state lies: one shelf holds the state that is saved, the other the next one while it is being made. */
export type Shelf = 'a' | 'b';
