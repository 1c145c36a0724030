/** Where the worker puts the exports of records. */
export interface Exports {
  /**
   * Writes the lines as one file of this name, which is there as a whole or not at all and for its owner alone (0600);
   * the same name again replaces it. Of the files before it only so many stay as the settings say. Answers its path.
   */
  keep(name: string, lines: AsyncIterable<string>): Promise<string>;
}
