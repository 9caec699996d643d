/** What Portage's wget calls itself: some servers refuse programs they do not know. */
export const PORTAGE_USER_AGENT = 'Portage (Gentoo, https://www.gentoo.org) distfile-fetch';
