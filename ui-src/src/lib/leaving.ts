/** Knows whether what a page shows is being removed by it: nothing of it is asked for again then. */
export class Leaving {
  begun = false;

  /** Waits for the removal, or a move to another name; where that fails, the page goes on as before. */
  async after(removal: Promise<unknown>): Promise<void> {
    this.begun = true;
    try {
      await removal;
    } catch (error) {
      this.begun = false;
      throw error;
    }
  }
}
