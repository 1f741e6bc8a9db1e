/** The states of a session, and the frames that each allows. */

const ALWAYS = ['ping', 'pong', 'close', 'alert'];
/** Frames that a state allows (SES-03, SES-23); those of re-attestation are judged by their direction. */
export const ALLOWED = {
  wait_HELLO_R: ['hello', 'alert'],
  wait_HELLO_I: ['hello', 'alert'],
  wait_ATT_R: ['att', ...ALWAYS],
  wait_ATT_I: ['att', ...ALWAYS],
  wait_VERDICT_R: ['verdict', ...ALWAYS],
  wait_VERDICT_I: ['verdict', ...ALWAYS],
  OPEN: ['att_req', 'att', 'verdict', 'data', 'receipt', ...ALWAYS],
  EXPIRED: ['att_req', 'att', 'verdict', 'data', 'receipt', ...ALWAYS],
  REFUSED: ['receipt', ...ALWAYS],
};
export const BEFORE_OPEN = Object.keys(ALLOWED).filter((state) => state.startsWith('wait_'));
/** What is still processed after our own CLOSE; the rest is discarded. */
export const AFTER_CLOSE = ['receipt', 'alert', 'close'];
