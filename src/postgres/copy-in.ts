import type { Client, Wire } from './client.ts'

/** Sends bytes to a `COPY ... FROM STDIN`. Rejects with what the server says. */
export function copyIn(client: Client, statement: string, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new CopyIn(statement, bytes, resolve, reject))
  })
}

/** One COPY on pg's wire; its client calls these methods as messages come (and others, which mean nothing here). */
class CopyIn {
  readonly #statement: string
  readonly #bytes: Buffer
  readonly #done: () => void
  readonly #failed: (error: unknown) => void

  constructor(
    statement: string,
    bytes: Buffer,
    done: () => void,
    failed: (error: unknown) => void,
  ) {
    this.#statement = statement
    this.#bytes = bytes
    this.#done = done
    this.#failed = failed
  }

  submit(wire: Wire): void {
    wire.query(this.#statement)
  }

  handleCopyInResponse(wire: Wire): void {
    wire.sendCopyFromChunk(this.#bytes)
    wire.endCopyFrom()
  }

  handleError(error: unknown): void {
    this.#failed(error)
  }

  handleReadyForQuery(): void {
    this.#done()
  }

  handleCommandComplete(): void {
    // the number of rows is known
  }

  handleRowDescription(): void {
    // COPY has no rows
  }

  handleDataRow(): void {
    // COPY has no rows
  }

  handleEmptyQuery(): void {
    // it is not empty
  }
}
