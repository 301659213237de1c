/**
 * Elements that lie in memory which will be used again, instead of in a copy of their own. A reader is lent them when it
 * is known until when it looks at them.
 */
export interface Loan {
  /** So many of the elements handed out last may still be looked at when the next ones are asked for. */
  readonly holds: number
  /** Whether who looks at one later should meet an empty array instead of another element's numbers. */
  readonly checked: boolean
}
