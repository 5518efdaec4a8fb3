/**
 * Made-up people and companies, and numbers from the ranges reserved for fiction (555-0100 to 555-0199).
 */
export const FIRST_NAMES = [
  'Ada', 'Amir', 'Bea', 'Bruno', 'Carla', 'Cyrus', 'Dana', 'Desmond', 'Elena', 'Emeka', 'Fatima', 'Felix', 'Grace', 'Gus',
  'Hana', 'Hector', 'Imani', 'Ivan', 'Jada', 'Joel', 'Kaya', 'Karl', 'Leila', 'Lorenzo', 'Maya', 'Milo', 'Nadia', 'Nolan',
  'Olive', 'Oscar', 'Priya', 'Pavel', 'Quinn', 'Ravi', 'Rosa', 'Sami', 'Sylvie', 'Tariq', 'Uma', 'Vera', 'Wanda', 'Yusuf', 'Zoë', 'Zane', 'José', 'Łucja',
];

export const LAST_NAMES = [
  'Abara', 'Almond', 'Barlow', 'Benning', 'Castellan', 'Corwin', 'Dashwell', 'Delmar', 'Eastman', 'Ellery', 'Fairfield', 'Fenwick',
  'Garrow', 'Greenlea', 'Hallam', 'Hartsell', 'Ingleby', 'Ivers', 'Jardine', 'Jessop', 'Kendry', 'Kestrel', 'Larkspur', 'Lindqvist',
  'Marlowe', 'Merriden', 'Norwell', 'Nyberg', 'Oakhurst', 'Okafor', 'Pemberley', 'Prather', 'Quillan', 'Ravenel', 'Rosado', 'Saltmarsh',
  'Sandoval', 'Thackery', 'Tremont', 'Underhill', 'Valcourt', 'Vance', 'Wexley', 'Whitlock', 'Yarrow', 'Zeller', 'Wójcik', 'Nuñez',
];

export const COMPANIES = [
  'Bluebell Logistics', 'Copper Fox Dental Supply', 'Driftwood Outfitters', 'Evergreen Joinery', 'Foxglove Catering', 'Granite Peak Plumbing',
  'Harbor Lane Realty', 'Ironwood Fabrication', 'Juniper Street Clinic', 'Kingfisher Freight', 'Lantern Books', 'Millbrook Dairy',
  'Northgate Fitness', 'Orchard Row Homes', 'Paper Crane Studio', 'Quarry Hill Masonry', 'Redwood Tutoring', 'Silver Birch Accounting',
];

export const STREETS = ['Aspen Way', 'Birch Lane', 'Canyon Road', 'Dogwood Court', 'Elk Ridge Drive', 'Foothill Street', 'Gold Run Avenue', 'Horizon Place'];

export const CITIES = ['Denver', 'Aurora', 'Lakewood', 'Boulder', 'Fort Collins', 'Golden', 'Arvada', 'Longmont', 'Littleton', 'Greeley'];

const AREA_CODES = (
  '303 720 970 719 201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 252 253 254 256 260 262 267 269 270 ' +
  '276 281 301 302 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 321 323 325 330 334 336 337 339 347 351 352 360 361 386 401 402 404 405 406 407 408 409 ' +
  '410 412 413 414 415 417 419 423 425 432 434 435 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 518 520 530 540 541 551 559 561 ' +
  '562 563 567 570 571 573 574 580 585 586 601 602 603 605 606 607 608 609 610 612 614 615 616 617 618 619 620 623 626 630 631 636 641 646 650 651 660 661 662 678 682 ' +
  '701 702 703 704 706 707 708 712 713 714 715 716 717 718 724 727 731 732 734 740 754 757 760 763 765 770 772 773 774 775 781 785 786 801 802 803 804 805 806 808 810 ' +
  '812 813 814 815 816 817 818 828 830 831 832 843 845 847 848 850 856 857 858 859 860 862 863 864 865 901 903 904 906 907 908 909 910 912 913 914 915 916 917 918 919 ' +
  '920 925 928 931 936 937 940 941 949 951 952 954 956 971 972 973 978 979 980 985 989'
).split(' ');

/** How many different numbers exist; `customerNumber` accepts 0 … CUSTOMER_NUMBERS − 1. */
export const CUSTOMER_NUMBERS = AREA_CODES.length * 90;

/** The n-th customer number in E.164 (last two digits 10–99; 00–09 belong to the company). */
export function customerNumber(n) {
  return `+1${AREA_CODES[Math.floor(n / 90) % AREA_CODES.length]}55501${10 + (n % 90)}`;
}

/** The n-th number of the company itself (0–9). */
export function companyNumber(n) {
  return `+1303555010${n}`;
}
